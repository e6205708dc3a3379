"""What the commands on one study do: plan, tune, train, judge, rehearse, submit."""
