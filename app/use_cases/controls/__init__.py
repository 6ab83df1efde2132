"""What operators order: controls, their audit, cancelling in bulk. The console and the command line are two faces of it."""
