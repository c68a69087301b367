"""What each job of the pipeline does; every job may run twice and changes nothing the second time."""
