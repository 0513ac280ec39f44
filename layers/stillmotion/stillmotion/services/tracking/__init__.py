"""How a job that was sent is followed: status reads, webhooks of vendors, their history, and the sweeper."""
