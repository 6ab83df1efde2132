"""`osago top`: the operator's live view in a terminal."""
