"""The adapters that come along, for one that differs from the nearest of them in little."""

from workers.adapters.business_200 import Business200
from workers.adapters.callback import Callback
from workers.adapters.rest_oauth2 import RestOAuth2
from workers.adapters.rest_poll import RestPoll
from workers.adapters.rest_sync import RestSync
from workers.adapters.soap import Soap

__all__ = ["Business200", "Callback", "RestOAuth2", "RestPoll", "RestSync", "Soap"]
