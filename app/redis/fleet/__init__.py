"""Reports of the processes of a deployment."""
