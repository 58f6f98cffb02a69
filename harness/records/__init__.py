"""Records: what every block handed back, kept in a folder that is only ever appended to.

In comes a record from the worker; out come the same records on any machine, without torch. This
room knows neither who measures nor who judges.
"""
