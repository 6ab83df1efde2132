"""What the processes of a deployment report of themselves."""
