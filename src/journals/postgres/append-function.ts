import {channels} from './channels.ts';

/*
What is done on the server in one call, so that no core holds the lock of a journal while it thinks, pauses or is cut off.
Names end in the version that they came with: cores of two versions may write one journal while they are replaced.
*/

/** What a fact, a payload and a piece of work take beside their own bytes, with their indexes. */
export const rowBytes = 220;

/**
The parameters of `append`, in their order. All bytes of a group stand in one parameter; numbers say where each part is,
from 1. \`c\`: the number of the command; \`s\`: the number of the stream among the names.
*/
export const appendParameters = `id uuid, now bigint, holder uuid, all_bytes bytea,
  name_at integer[], name_len integer[],
  fact_c integer[], fact_s integer[], fact_time bigint[], fact_flags integer[], fact_sum bigint[], fact_at integer[], fact_len integer[],
  expect_c integer[], expect_s integer[], expect_position bigint[],
  payload_c integer[], payload_sum bigint[], payload_name_at integer[], payload_name_len integer[], payload_at integer[],
  payload_len integer[], work jsonb`;

/**
`append`: one group of commands, each kept as a whole or refused as a whole. Positions are given under a lock that is held
until the commit, so they are dense, and in the order of commits.

`outcome` has the refusals: `conflicts` by command, with the number of the stream and its revision, and `work` by command.

@param lock number of the lock
*/
export const appendFunction = (schema: string, lock: number) => `
CREATE FUNCTION ${schema}.append_1(${appendParameters.replaceAll(/(\w+) (uuid|bigint\[\]|integer\[\]|bigint|bytea|jsonb)/g, 'p_$1 $2')},
  OUT o_first bigint, OUT o_stored bigint, OUT o_bytes bigint, OUT o_replicated boolean, OUT o_outcome json)
LANGUAGE plpgsql AS $body$
DECLARE
  v_prev ${schema}.append%ROWTYPE;
  v_refused integer[] := '{}';
  v_conflicts jsonb;
  v_works jsonb := '{}';
  v_op jsonb;
  v_did record;
  v_count bigint := 0;
  v_added bigint := 0;
  v_some bigint;
  v_freed bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(${lock});
  SELECT * INTO v_prev FROM ${schema}.append ORDER BY number DESC LIMIT 1;
  o_stored := greatest(v_prev.stored, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
  o_first := v_prev.last;
  IF p_expect_c <> '{}' THEN
    SELECT array_agg(c.c), jsonb_object_agg(c.c, jsonb_build_array(c.s, c.actual)) INTO v_refused, v_conflicts
    FROM (
      SELECT DISTINCT ON (e.c) e.c, e.s, coalesce(r.position, 0) AS actual
      FROM unnest(p_expect_c, p_expect_s, p_expect_position) WITH ORDINALITY AS e(c, s, expected, ord)
      LEFT JOIN LATERAL (
        SELECT f.position FROM ${schema}.fact f
        WHERE f.stream = substring(p_all_bytes FROM p_name_at[e.s] FOR p_name_len[e.s])
        ORDER BY f.stream DESC, f.position DESC LIMIT 1
      ) r ON true
      WHERE coalesce(r.position, 0) <> e.expected
      ORDER BY e.c, e.ord
    ) c;
    v_refused := coalesce(v_refused, '{}');
  END IF;
  IF p_work IS NOT NULL THEN
    FOR v_op IN SELECT value FROM jsonb_array_elements(p_work) LOOP
      CONTINUE WHEN (v_op->>'c')::integer = ANY(v_refused);
      SELECT * INTO v_did FROM ${schema}.work_1(v_op, p_now, p_holder, v_prev.waiting + v_prev.behind + v_prev.running);
      v_prev.waiting := v_prev.waiting + v_did.o_waiting;
      v_prev.behind := v_prev.behind + v_did.o_behind;
      v_prev.running := v_prev.running + v_did.o_running;
      v_prev.dead := v_prev.dead + v_did.o_dead;
      IF v_did.o_refused THEN v_refused := v_refused || (v_op->>'c')::integer; END IF;
      IF v_did.o_said IS NOT NULL THEN v_works := v_works || jsonb_build_object(v_op->>'c', v_did.o_said); END IF;
    END LOOP;
  END IF;
  IF p_fact_c <> '{}' THEN
    WITH kept AS (
      INSERT INTO ${schema}.fact(position, stored, at, checksum, flags, stream, body)
      SELECT v_prev.last + row_number() OVER (ORDER BY f.ord), o_stored, f.at, f.sum, f.flags,
        substring(p_all_bytes FROM p_name_at[f.s] FOR p_name_len[f.s]), substring(p_all_bytes FROM f.start FOR f.len)
      FROM unnest(p_fact_c, p_fact_s, p_fact_time, p_fact_flags, p_fact_sum, p_fact_at, p_fact_len)
        WITH ORDINALITY AS f(c, s, at, flags, sum, start, len, ord)
      WHERE NOT f.c = ANY(v_refused)
      RETURNING octet_length(body) AS size
    ) SELECT count(*), coalesce(sum(size + ${rowBytes}), 0) INTO v_count, v_added FROM kept;
  END IF;
  IF p_payload_c <> '{}' THEN
    SELECT coalesce(sum(octet_length(o.bytes) + ${rowBytes}), 0) INTO v_freed
    FROM ${schema}.payload o WHERE o.name IN (
      SELECT substring(p_all_bytes FROM p.at FOR p.len)
      FROM unnest(p_payload_c, p_payload_name_at, p_payload_name_len) AS p(c, at, len) WHERE NOT p.c = ANY(v_refused));
    WITH kept AS (
      INSERT INTO ${schema}.payload(name, stored, checksum, bytes)
      SELECT DISTINCT ON (p.name) p.name, o_stored, p.sum, substring(p_all_bytes FROM p.start FOR p.len)
      FROM (
        SELECT substring(p_all_bytes FROM q.name_at FOR q.name_len) AS name, q.*
        FROM unnest(p_payload_c, p_payload_sum, p_payload_name_at, p_payload_name_len, p_payload_at, p_payload_len)
          WITH ORDINALITY AS q(c, sum, name_at, name_len, start, len, ord)
        WHERE NOT q.c = ANY(v_refused)
      ) p
      ORDER BY p.name, p.ord DESC
      ON CONFLICT (name) DO UPDATE SET stored = excluded.stored, checksum = excluded.checksum, bytes = excluded.bytes
      RETURNING octet_length(bytes) AS size
    ) SELECT coalesce(sum(size + ${rowBytes}), 0) INTO v_some FROM kept;
    v_added := v_added + v_some - v_freed;
  END IF;
  o_bytes := v_prev.bytes + v_added;
  o_outcome := nullif(jsonb_strip_nulls(jsonb_build_object('conflicts', v_conflicts, 'work', nullif(v_works, '{}'))), '{}')::json;
  INSERT INTO ${schema}.append VALUES(v_prev.number + 1, p_id, o_first, o_first + v_count, o_stored, o_bytes,
    v_prev.waiting, v_prev.behind, v_prev.running, v_prev.dead, o_outcome);
  IF v_count > 0 THEN PERFORM pg_notify('${channels(schema).facts}', ''); END IF;
  IF v_prev.waiting > 0 AND p_work IS NOT NULL THEN PERFORM pg_notify('${channels(schema).work}', ''); END IF;
  o_replicated := current_setting('synchronous_standby_names') <> '' AND current_setting('synchronous_commit') IN ('on', 'remote_apply');
END $body$;

-- Whether a group was kept. If not, it will not be any more: the row with its id makes a late commit of it fail.
CREATE FUNCTION ${schema}.settle_1(p_id uuid, OUT o_first bigint, OUT o_stored bigint, OUT o_bytes bigint, OUT o_kept boolean, OUT o_outcome json)
LANGUAGE plpgsql AS $body$
DECLARE
  v_prev ${schema}.append%ROWTYPE;
BEGIN
  PERFORM pg_advisory_xact_lock(${lock});
  SELECT first, stored, bytes, outcome INTO o_first, o_stored, o_bytes, o_outcome FROM ${schema}.append WHERE id = p_id;
  o_kept := FOUND;
  IF NOT o_kept THEN
    SELECT * INTO v_prev FROM ${schema}.append ORDER BY number DESC LIMIT 1;
    INSERT INTO ${schema}.append VALUES(v_prev.number + 1, p_id, v_prev.last, v_prev.last, v_prev.stored, v_prev.bytes,
      v_prev.waiting, v_prev.behind, v_prev.running, v_prev.dead, NULL);
  END IF;
END $body$;

-- The position before everything that was kept at this time, by the clock of the server, or later.
CREATE FUNCTION ${schema}.before_1(p_stored bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $body$
DECLARE
  v_low bigint; v_high bigint; v_middle bigint; v_found record;
BEGIN
  SELECT coalesce(min(position), 1) - 1, coalesce(max(position), 0) INTO v_low, v_high FROM ${schema}.fact;
  IF v_high = 0 THEN RETURN (SELECT last FROM ${schema}.append ORDER BY number DESC LIMIT 1); END IF;
  -- Everything up to v_low is older, everything after v_high is not.
  WHILE v_low < v_high LOOP
    v_middle := (v_low + v_high) / 2 + 1;
    SELECT position, stored INTO v_found FROM ${schema}.fact WHERE position <= v_middle AND position > v_low ORDER BY position DESC LIMIT 1;
    IF NOT FOUND THEN v_low := v_middle;
    ELSIF v_found.stored < p_stored THEN v_low := v_middle;
    ELSE v_high := v_found.position - 1;
    END IF;
  END LOOP;
  RETURN v_high;
END $body$;
`;
