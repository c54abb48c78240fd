"""The report and the tables of a whole run, made from the folders of its cases."""

from PromptOnceLib.batch.report.write_report import REPORT, write_report, write_run_tables

__all__ = ["REPORT", "write_report", "write_run_tables"]
