"""The transparency log: its tree, its proofs, and the evidence that a disclosure was logged.

The package is pure: bytes in, values out. Only `audit.cli` reads files. What each module is for:

    hashing, merkle, proofs     the tree of RFC 6962: appending, proving, checking
    note, checkpoint, policy    who signed a tree head, and whose signatures count (C2SP)
    tiles, proof_file           how the tree and a proof are written (C2SP tlog-tiles, tlog-proof)
    entries, records            what a leaf says, and the records it commits to
    guard                       a log never goes back behind what it published
    continuation                the signed statement that one log continues another
    verify, evidence            check a whole log, or one message's evidence, without trusting the hub

See `README.md` for the model and an example with numbers.
"""
