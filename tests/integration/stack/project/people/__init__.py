"""Who logs in: users with an e-mail address and a role, as the real site has them."""
