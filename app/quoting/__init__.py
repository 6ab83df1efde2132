"""The use cases: accept a request, settle a quote, end a request. Everything that commits is here."""
