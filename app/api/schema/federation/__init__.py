"""The schema as a subgraph of Apollo Federation 2: its entities, and its SDL."""
