#!/bin/sh
# Nightly backup of the knowledge base to vault-nas. Started by cron at 02:45.
# Exit status: 0 done, 1 a step failed, 2 another copy is running.
set -eu

SOURCE=/srv/alcove
TARGET=/mnt/vault/spark-01
KEEP_DAYS=30
LOCK=/run/backup.lock
NIGHT=$(date +%F)

exec 9>"$LOCK"
if ! flock -n 9; then
    echo "backup: another copy is still running" >&2
    exit 2
fi

# A mount that is missing must not fill the system drive.
if ! mountpoint -q /mnt/vault; then
    echo "backup: /mnt/vault is not mounted, is vault-nas reachable?" >&2
    exit 1
fi

# The catalog is copied through SQLite's own backup command, so that the copy
# is consistent although the service keeps writing. Never use cp for this.
mkdir -p "$TARGET/$NIGHT"
sqlite3 "$SOURCE/catalog.sqlite" ".backup '$TARGET/$NIGHT/catalog.sqlite'"
sqlite3 "$SOURCE/chats.sqlite" ".backup '$TARGET/$NIGHT/chats.sqlite'"

# Unchanged originals become hard links to the copy of the night before.
# At most 60 MB/s, in order not to disturb the summaries batch.
LAST=$(find "$TARGET" -mindepth 1 -maxdepth 1 -type d ! -name "$NIGHT" | sort | tail -n 1)
rsync -a --bwlimit=60M --link-dest="$LAST/originals" \
    "$SOURCE/originals" "$TARGET/$NIGHT/"
rsync -a --bwlimit=60M "$SOURCE/snapshots" "$SOURCE/vectors" "$TARGET/$NIGHT/"
rsync -a /srv/adapters "$TARGET/$NIGHT/"

# Read back what was written: a backup that was never read is a hope.
sqlite3 "$TARGET/$NIGHT/catalog.sqlite" "PRAGMA integrity_check;" | grep -qx ok

find "$TARGET" -mindepth 1 -maxdepth 1 -type d -mtime "+$KEEP_DAYS" -exec rm -rf {} +

# watch-01 looks for this file at 05:00.
date -Is > "$TARGET/last-success"
