"""What `osago documents` says of trusted documents."""
