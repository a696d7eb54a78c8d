"""PostgreSQL: the log and the store, in one database and one dialect.

    async with open_database(conninfo, signer=…, guard_folder=…, clock=…) as database:
        await database.log.append(member)

See `hub/storage/README.md` for tables, the order of writes, and what is durable when.
"""
