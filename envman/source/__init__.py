"""Text to Tree (plain data with the place of every key and value), and data to YAML."""
