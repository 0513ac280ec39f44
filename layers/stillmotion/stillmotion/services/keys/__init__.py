"""API keys: how they are made (`minting`), what holds them to what they may, and how they end (`managing`)."""

from stillmotion.services.keys.checking import Authenticator as Authenticator
from stillmotion.services.keys.checking import Unauthenticated as Unauthenticated
from stillmotion.services.keys.minting import PREFIX_SHOWN as PREFIX_SHOWN
from stillmotion.services.keys.minting import key_hash as key_hash
from stillmotion.services.keys.minting import mint as mint
