"""What an insurer of the sandbox knows: applications, premiums, outcomes."""
