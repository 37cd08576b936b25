"""`python -m jtransfer`, the same as the command `jtransfer`."""

from jtransfer.commands.main import main

if __name__ == "__main__":
    main()
