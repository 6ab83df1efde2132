"""The example of a service that sells OSAGO: it takes applications from customers and hands them to the aggregator."""
