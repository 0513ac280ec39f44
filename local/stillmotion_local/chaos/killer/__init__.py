"""Put on the path of the functions that a chaos run kills, and of nothing else: see `sitecustomize`."""
