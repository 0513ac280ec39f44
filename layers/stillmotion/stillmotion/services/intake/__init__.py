"""How an order becomes a job: inbox uploads, API calls, input images, and the estimate of what an order costs."""
