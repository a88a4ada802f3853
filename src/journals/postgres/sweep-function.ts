import {rowBytes} from './append-function.ts';

/*
What is removed, in small steps. One core at a time takes a step; all others leave it to that one.

A fact stays while it belongs to
- the last occurrence of a schedule, which says since when occurrences may have been missed, or the invocation of that;
- a claim whose invocation is not over, as the occurrence is delivered again;
- work that waits, runs or is a dead letter, which may be sent again;
- an invocation that was written ahead and is not over, or not for long enough.
*/

/** @param lock number of the lock of commits; the one of sweeps is the next */
export const sweepFunction = (schema: string, lock: number) => `
CREATE FUNCTION ${schema}.stream_text(p bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $body$
  SELECT CASE WHEN position('\\x00'::bytea IN p) = 0 THEN convert_from(p, 'UTF8') END
$body$;

-- True while an invocation may have to run again: its payloads stay.
CREATE FUNCTION ${schema}.is_awaited(p_stream bytea) RETURNS boolean LANGUAGE sql STABLE AS $body$
  SELECT EXISTS (SELECT FROM ${schema}.work WHERE id = substr(${schema}.stream_text(p_stream), 12))
    OR ((SELECT flags & 1 FROM ${schema}.fact WHERE stream = p_stream ORDER BY stream DESC, position DESC LIMIT 1) = 0
      AND EXISTS (SELECT FROM ${schema}.fact WHERE stream = p_stream AND flags & 2 = 0))
$body$;

-- Removed bytes do not count any more.
CREATE FUNCTION ${schema}.freed_1(p_bytes bigint) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM pg_advisory_xact_lock(${lock});
  INSERT INTO ${schema}.append SELECT number + 1, gen_random_uuid(), last, last, stored, greatest(0, bytes - p_bytes),
    waiting, behind, running, dead, NULL FROM ${schema}.append ORDER BY number DESC LIMIT 1;
END $body$;

-- Some old rows of commits, and some keys of work whose time is over. o_over: there are no more.
CREATE FUNCTION ${schema}.tidy_1(p_now bigint, OUT o_now bigint, OUT o_newest bigint, OUT o_bytes bigint, OUT o_last bigint, OUT o_over boolean)
LANGUAGE plpgsql AS $body$
DECLARE
  v_number bigint;
  v_count bigint;
BEGIN
  SELECT number, stored, bytes, last INTO v_number, o_newest, o_bytes, o_last FROM ${schema}.append ORDER BY number DESC LIMIT 1;
  o_now := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
  o_over := true;
  IF NOT pg_try_advisory_xact_lock(${lock + 1}) THEN RETURN; END IF;
  DELETE FROM ${schema}.append WHERE number IN (
    SELECT number FROM ${schema}.append WHERE number < v_number - 1000 AND stored < o_now - 600000 ORDER BY number LIMIT 20000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  o_over := v_count < 20000;
  DELETE FROM ${schema}.work_key WHERE scope IN (SELECT scope FROM ${schema}.work_key WHERE until <= p_now ORDER BY until LIMIT 5000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  o_over := o_over AND v_count < 5000;
END $body$;

-- Payloads from before a time, the oldest first, until so many bytes are free. o_name: where the next step goes on.
CREATE FUNCTION ${schema}.shred_1(p_before bigint, p_bytes bigint, p_stored bigint, p_name bytea,
  OUT o_count bigint, OUT o_freed bigint, OUT o_stored bigint, OUT o_name bytea)
LANGUAGE plpgsql AS $body$
DECLARE
  v_row record;
BEGIN
  o_count := 0; o_freed := 0;
  IF NOT pg_try_advisory_xact_lock(${lock + 1}) THEN RETURN; END IF;
  FOR v_row IN
    SELECT name, stored, octet_length(bytes) AS size FROM ${schema}.payload
    WHERE (stored, name) > (p_stored, p_name) AND stored < p_before ORDER BY stored, name LIMIT 500
  LOOP
    EXIT WHEN o_freed >= p_bytes;
    o_stored := v_row.stored; o_name := v_row.name;
    CONTINUE WHEN substring(v_row.name FROM 1 FOR 11) = 'invocation.'
      AND ${schema}.is_awaited(convert_to(regexp_replace(${schema}.stream_text(v_row.name), '/[^/]*$', ''), 'UTF8'));
    DELETE FROM ${schema}.payload WHERE name = v_row.name AND stored = v_row.stored;
    o_count := o_count + 1; o_freed := o_freed + v_row.size + ${rowBytes};
  END LOOP;
  IF o_count > 0 THEN PERFORM ${schema}.freed_1(o_freed); END IF;
END $body$;

-- Facts after a position, up to another one, of about so many bytes. o_next: where the next step goes on; NULL when this was the last one.
CREATE FUNCTION ${schema}.prune_1(p_after bigint, p_until bigint, p_before bigint, p_bytes bigint, OUT o_count bigint, OUT o_freed bigint, OUT o_next bigint)
LANGUAGE plpgsql AS $body$
DECLARE
  v_last bytea := 'schedule.';
  v_schedule text;
  v_fact record;
  v_held bytea[] := '{}';
BEGIN
  IF NOT pg_try_advisory_xact_lock(${lock + 1}) THEN RETURN; END IF;
  SELECT max(position) INTO o_next FROM (
    SELECT position, sum(octet_length(body) + ${rowBytes}) OVER (ORDER BY position) - octet_length(body) - ${rowBytes} AS earlier
    FROM (SELECT position, body FROM ${schema}.fact WHERE position > p_after AND position <= p_until ORDER BY position LIMIT 2000) f
  ) g WHERE earlier < p_bytes;
  IF o_next IS NULL THEN RETURN; END IF;
  -- The last occurrence of each schedule, and its invocation: from one schedule to the next by the index.
  LOOP
    SELECT stream INTO v_last FROM ${schema}.fact WHERE stream > v_last AND stream < 'schedule/' ORDER BY stream LIMIT 1;
    EXIT WHEN NOT FOUND;
    v_schedule := regexp_replace(${schema}.stream_text(v_last), '\\.\\d{4}-\\d\\d-\\d\\dT[^/]*$', '');
    CONTINUE WHEN v_schedule IS NULL OR v_schedule = ${schema}.stream_text(v_last);
    SELECT stream, body INTO v_fact FROM ${schema}.fact
    WHERE stream > convert_to(v_schedule || '.', 'UTF8') AND stream < convert_to(v_schedule || '/', 'UTF8')
    ORDER BY stream DESC, position DESC LIMIT 1;
    v_held := v_held || v_fact.stream || convert_to('invocation.' || coalesce(${schema}.invocation_of(v_fact.body), ''), 'UTF8');
    v_last := convert_to(v_schedule || '/', 'UTF8');
  END LOOP;
  WITH gone AS (
    DELETE FROM ${schema}.fact f WHERE f.position > p_after AND f.position <= o_next AND NOT f.stream = ANY(v_held) AND CASE
      WHEN f.stream >= 'invocation.' AND f.stream < 'invocation/' THEN (
        -- What was only recorded is no work, and nobody waits for its end.
        SELECT n.stored < p_before AND (
          NOT EXISTS (SELECT FROM ${schema}.fact u WHERE u.stream = f.stream AND u.flags & 2 = 0)
          OR (n.flags & 1 = 1 AND NOT EXISTS (SELECT FROM ${schema}.work WHERE id = substr(${schema}.stream_text(f.stream), 12))))
        FROM ${schema}.fact n WHERE n.stream = f.stream ORDER BY n.stream DESC, n.position DESC LIMIT 1)
      WHEN f.stream >= 'schedule.' AND f.stream < 'schedule/' AND ${schema}.invocation_of(f.body) IS NOT NULL THEN
        EXISTS (SELECT FROM ${schema}.fact n WHERE n.stream = convert_to('invocation.' || ${schema}.invocation_of(f.body), 'UTF8') AND n.flags & 1 = 1)
        OR EXISTS (SELECT FROM ${schema}.fact n WHERE n.stream = f.stream AND n.position > f.position)
      ELSE true
    END RETURNING octet_length(body) AS size
  ) SELECT count(*), coalesce(sum(size + ${rowBytes}), 0) INTO o_count, o_freed FROM gone;
  IF o_count > 0 THEN PERFORM ${schema}.freed_1(o_freed); END IF;
END $body$;
`;

/** The invocation that a claim of an occurrence names; NULL for any other fact. */
export const claimFunction = (schema: string) => `
CREATE FUNCTION ${schema}.invocation_of(p_body bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $body$
  SELECT CASE WHEN f->>'type' = 'schedule.fired' THEN f->'data'->>'invocationId' END FROM (SELECT convert_from(p_body, 'UTF8')::json AS f) b
$body$;
`;
