"""What commands do: short sequences over the packages below. They report through ``Progress`` and never print."""
