"""One guarded HTTP client: for pictures, videos and webhooks at addresses that others name, and for vendors.

addresses    which URLs may be asked at all
client       one exchange with an address that was checked, over a connection of its own
deadlines    one deadline over everything that an exchange does
pictures     the pictures that callers name
downloads    the videos of vendors
posting      outbound webhooks
transport    httpx over such a connection
tls          the certificate authorities that are trusted
"""
