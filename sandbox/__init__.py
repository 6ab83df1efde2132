"""The world around the aggregator: insurers to try against, embedded servers, the demo. Knows the domain at most."""
