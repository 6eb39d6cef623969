"""Values to text for people, editors and programs. Nothing here decides anything."""
