"""What a person or a failed workflow does to a job from outside: interventions, deletion, closing, dead letters."""
