"""Applications that are being worked on: opened and read once, however many insurers are asked about each.

An application is kept only while a job holds it.
"""

from uuid import UUID
from weakref import WeakValueDictionary

from app.codecs.application_codec import decode_application
from app.domain.application import Application
from app.postgres.cipher import Cipher, Sealed


class ApplicationCache:
    """The applications that this process has open."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        self._applications: WeakValueDictionary[UUID, Application] = WeakValueDictionary()

    def open(self, request_id: UUID, sealed: Sealed) -> Application:
        """The application of this request.

        Raises:
            Undecryptable: no known key opens it.
        """
        application = self._applications.get(request_id)
        if application is None:
            application = decode_application(self._cipher.open(request_id, sealed))
            self._applications[request_id] = application
        return application
