"""Quality: how good each member's trainings are, and after how many steps they are that good.

In come learning curves and the quality of every test task; out go accuracies with their intervals,
whether a method is not worse, and the steps to a target. A method whose trajectory is the
baseline's inherits its curves.
"""
