"""A job: one request being carried out, with the ledger of its attempts.

    records      what is stored of a job
    attempts     the steps of an attempt: begun, sent again, accepted, ended, read
    lifecycle    the steps of the job itself: started, waiting, resumed, completed, failed

A job is a value. Each step gives the next value and refuses, with `WrongStep`, a step that the ledger does not allow;
whoever stores it compares the version it read (see `ports.records.JobStore`).
"""
