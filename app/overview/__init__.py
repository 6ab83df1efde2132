"""The system as an operator sees it: what processes report, and one snapshot of it all."""
