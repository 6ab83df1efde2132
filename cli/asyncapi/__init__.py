"""`osago schema --of asyncapi`: channels, messages and schemas of everything that is pushed or called back."""
