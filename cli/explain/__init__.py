"""`osago explain`: the story of one request."""
