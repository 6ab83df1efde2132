"""The documentation site: pages gathered from the repository, a reference made from the code, built by MkDocs."""
