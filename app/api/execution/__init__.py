"""Documents made ready to run, their cost, and running them with graphql-core."""
