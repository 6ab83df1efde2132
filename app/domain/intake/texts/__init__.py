"""The texts of problems, by what they are about; `app.domain.intake.problems` puts them together."""
