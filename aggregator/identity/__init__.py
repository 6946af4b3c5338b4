"""Identity: who the bearer of a token is, by the issuer's keys."""
