"""What envman remembers: the checkout's ID, allocated ports, the journal, locks, and where things lie."""
