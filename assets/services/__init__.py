"""The writes of `assets`: keyword-only functions, a module for each noun."""
