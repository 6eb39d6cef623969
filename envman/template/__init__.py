"""What a project keeps of the template that it was made from, and how a newer one is merged into it."""
