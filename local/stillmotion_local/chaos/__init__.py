"""The chaos proof: many jobs through the local stack while everything goes wrong, and then an account of the money.

`plan` says which job suffers what, `ground` is the stack, `drops` makes the jobs and `watching` waits for them;
`evidence` collects what vendors, table and bucket say, `judge` compares the three, and `report` prints the verdict.
"""
