.PHONY: setup run test check fix migrate bench docs pins
VENV = .venv/bin

setup: .venv/.up-to-date ; @:

run: setup ; LIVETILL_SEED_DEMO=$${LIVETILL_SEED_DEMO:-true} $(VENV)/livetill run
test: setup ; $(VENV)/python -m pytest -q -n 4
check: setup ; $(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/mypy && $(VENV)/lint-imports
fix: setup ; $(VENV)/ruff check --fix . && $(VENV)/ruff format .
migrate: setup ; $(VENV)/livetill migrate
bench: setup ; $(VENV)/livetill bench turns && $(VENV)/livetill bench purchases && $(VENV)/livetill bench drop
docs: setup ; $(VENV)/python -m tests.house.diagrams
pins: setup ; $(VENV)/python -m tests.house.pins

.venv/.up-to-date: requirements.txt requirements-dev.txt pyproject.toml ; @deploy/setup.sh
