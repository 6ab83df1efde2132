"""What has no plan."""


class NotSimple(Exception):
    """There is something in the document that only graphql-core is trusted with."""
