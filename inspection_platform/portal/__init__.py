"""Staff pages inside the admin."""
