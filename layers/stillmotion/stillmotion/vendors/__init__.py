"""One adapter per vendor. A vendor's words, states and codes end here."""
