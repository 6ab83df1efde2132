"""`osago bridge`: its commands for operators."""
