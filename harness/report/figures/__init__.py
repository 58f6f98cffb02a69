"""Figures that every report has, and what a study draws its own with.

A figure is one class: its data, its caption, its text alternative and its drawing stand together.
"""
