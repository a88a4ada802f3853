import {channels} from './channels.ts';

/*
What a command does to work, inside the group that keeps its facts. Status: 0 waiting, 1 behind, 2 running, 3 dead.
`lost`: what is lost when the holder ends: 0 nothing yet, 1 an attempt, 2 only its end.
*/

/**
`work`: one change. What is refused has changed nothing. `o_said` is the outcome where the caller needs more than that it
was kept; the other results say by how much the number of items of each status has changed.

`leave`: what a core held that has ended, or ends now, is due at once.

@param lock number of the lock
*/
export const workFunction = (schema: string, lock: number) => `
CREATE FUNCTION ${schema}.work_1(p jsonb, p_now bigint, p_holder uuid, p_alive bigint,
  OUT o_refused boolean, OUT o_said jsonb, OUT o_waiting bigint, OUT o_behind bigint, OUT o_running bigint, OUT o_dead bigint)
LANGUAGE plpgsql AS $body$
DECLARE
  v_row ${schema}.work%ROWTYPE;
  v_key ${schema}.work_key%ROWTYPE;
  v_head bigint;
  v_status smallint := 0;
BEGIN
  o_refused := false; o_waiting := 0; o_behind := 0; o_running := 0; o_dead := 0;
  CASE p->>'kind'
  WHEN 'enqueue' THEN
    IF p ? 'scope' THEN
      SELECT * INTO v_key FROM ${schema}.work_key WHERE scope = p->>'scope' AND until > p_now;
      IF FOUND THEN
        o_refused := true;
        o_said := jsonb_build_object('known', jsonb_build_object('id', v_key.id, 'fingerprint', v_key.fingerprint));
        RETURN;
      END IF;
    END IF;
    IF (p->>'claims')::boolean AND NOT EXISTS (SELECT FROM ${schema}.core WHERE core.id = p_holder) THEN
      o_refused := true; o_said := '{"outdated": true}';
      RETURN;
    END IF;
    IF p_alive >= (p->>'most')::bigint THEN
      o_refused := true; o_said := '{"full": true}';
      RETURN;
    END IF;
    IF p ? 'scope' THEN
      -- A few each time, so that keys do not pile up and no call waits for many.
      DELETE FROM ${schema}.work_key WHERE scope IN (SELECT scope FROM ${schema}.work_key WHERE until <= p_now ORDER BY until LIMIT 8);
      INSERT INTO ${schema}.work_key VALUES(p->>'scope', p->>'fingerprint', p->>'id', (p->>'until')::bigint)
      ON CONFLICT (scope) DO UPDATE SET fingerprint = excluded.fingerprint, id = excluded.id, until = excluded.until;
    END IF;
    IF p ? 'ordering' AND EXISTS (SELECT FROM ${schema}.work WHERE ordering = p->>'ordering' AND status < 3) THEN v_status := 1; END IF;
    IF (p->>'claims')::boolean THEN v_status := 2; END IF;
    INSERT INTO ${schema}.work(id, status, due, epoch, attempts, deaths, lost, ordering, accepted, holder, changes, item)
    VALUES(p->>'id', v_status, (p->>'due')::bigint, CASE v_status WHEN 2 THEN 1 ELSE 0 END, CASE v_status WHEN 2 THEN 1 ELSE 0 END, 0, 0,
      p->>'ordering', (p->>'accepted')::bigint, CASE v_status WHEN 2 THEN p_holder END, 0, (p->'item')::json);
    IF v_status = 0 THEN o_waiting := 1; ELSIF v_status = 1 THEN o_behind := 1; ELSE o_running := 1; END IF;
  WHEN 'begin' THEN
    UPDATE ${schema}.work SET status = 2, lost = (p->>'lost')::smallint, epoch = epoch + 1, attempts = (p->>'attempts')::integer,
      deaths = (p->>'deaths')::integer, holder = p_holder, changes = changes + 1
    WHERE id = p->>'id' AND status = 0 AND changes = (p->>'changes')::integer
      AND EXISTS (SELECT FROM ${schema}.core WHERE core.id = p_holder);
    IF NOT FOUND THEN o_refused := true; o_said := '{"outdated": true}'; RETURN; END IF;
    o_waiting := -1; o_running := 1;
  WHEN 'settle', 'retry' THEN
    SELECT * INTO v_row FROM ${schema}.work WHERE id = p->>'id';
    IF NOT FOUND OR v_row.status <> 2 OR v_row.epoch <> (p->>'epoch')::integer THEN
      o_refused := true; o_said := '{"outdated": true}';
      RETURN;
    END IF;
    o_running := -1;
    IF p->>'kind' = 'retry' THEN
      UPDATE ${schema}.work SET status = 0, due = (p->>'due')::bigint, deaths = (p->>'deaths')::integer, holder = NULL,
        attempts = attempts - CASE WHEN (p->>'isFree')::boolean THEN 1 ELSE 0 END, changes = changes + 1 WHERE seq = v_row.seq;
      o_waiting := 1;
      RETURN;
    END IF;
    PERFORM pg_notify('${channels(schema).over}', v_row.id);
    IF (p->>'freesKey')::boolean THEN DELETE FROM ${schema}.work_key WHERE id = v_row.id; END IF;
    IF p ? 'dead' THEN
      UPDATE ${schema}.work SET status = 3, lost = 0, dead_at = p_now, holder = NULL, changes = changes + 1,
        item = (item::jsonb || jsonb_build_object('reason', p->'dead'))::json WHERE seq = v_row.seq;
      o_dead := 1;
    ELSIF (p->>'posts')::boolean THEN
      -- It goes on as another item would: its reply is to be posted.
      UPDATE ${schema}.work SET status = 0, due = p_now, attempts = 0, deaths = 0, ordering = NULL, holder = NULL, changes = changes + 1,
        item = (item::jsonb || '{"isCallback": true}')::json WHERE seq = v_row.seq;
      o_waiting := 1;
    ELSE DELETE FROM ${schema}.work WHERE seq = v_row.seq;
    END IF;
  WHEN 'cancel' THEN
    SELECT * INTO v_row FROM ${schema}.work WHERE id = p->>'id';
    IF NOT FOUND OR v_row.status >= 2 OR (v_row.item->>'isCallback')::boolean THEN
      o_refused := true;
      o_said := jsonb_build_object('was', CASE WHEN (v_row.item->>'isCallback')::boolean THEN NULL ELSE v_row.status END);
      RETURN;
    END IF;
    DELETE FROM ${schema}.work WHERE seq = v_row.seq;
    PERFORM pg_notify('${channels(schema).over}', v_row.id);
    o_said := jsonb_build_object('was', v_row.status);
    IF v_row.status = 1 THEN o_behind := -1; RETURN; END IF; -- one that was behind held back nothing
    o_waiting := -1;
  WHEN 'redrive' THEN
    SELECT * INTO v_row FROM ${schema}.work WHERE id = p->>'id';
    IF NOT FOUND OR v_row.status <> 3 THEN o_refused := true; o_said := '{}'; RETURN; END IF;
    IF EXISTS (SELECT FROM ${schema}.work WHERE ordering = v_row.ordering AND status < 3) THEN v_status := 1; END IF;
    UPDATE ${schema}.work SET status = v_status, due = (p->>'due')::bigint, attempts = 0, deaths = 0, dead_at = NULL, changes = changes + 1,
      item = (item::jsonb - 'reason' - 'expires' || jsonb_build_object('redriven', coalesce((item->>'redriven')::integer, 0) + 1))::json
    WHERE seq = v_row.seq;
    o_dead := -1;
    IF v_status = 1 THEN o_behind := 1; ELSE o_waiting := 1; END IF;
    RETURN;
  WHEN 'unheard' THEN
    -- The claim was kept, and reported to have failed: nobody runs it.
    UPDATE ${schema}.work SET status = 0, lost = CASE lost WHEN 2 THEN 2 ELSE 3 END, holder = NULL, changes = changes + 1
    WHERE id = p->>'id' AND status = 2 AND epoch = (p->>'epoch')::integer;
    IF NOT FOUND THEN o_refused := true; o_said := '{}'; RETURN; END IF;
    o_running := -1; o_waiting := 1;
    RETURN;
  WHEN 'restore' THEN
    IF EXISTS (SELECT FROM ${schema}.work WHERE id = p->>'id') THEN o_refused := true; o_said := '{}'; RETURN; END IF;
    IF (p->>'isDead')::boolean THEN v_status := 3;
    ELSIF EXISTS (SELECT FROM ${schema}.work WHERE ordering = p->>'ordering' AND status < 3) THEN v_status := 1;
    END IF;
    INSERT INTO ${schema}.work(id, status, due, epoch, attempts, deaths, lost, ordering, accepted, dead_at, changes, item)
    VALUES(p->>'id', v_status, (p->>'due')::bigint, 0, (p->>'attempts')::integer, (p->>'deaths')::integer, (p->>'lost')::smallint,
      p->>'ordering', (p->>'accepted')::bigint, (p->>'deadAt')::bigint, 0, (p->'item')::json);
    IF v_status = 0 THEN o_waiting := 1; ELSIF v_status = 1 THEN o_behind := 1; ELSE o_dead := 1; END IF;
    RETURN;
  WHEN 'restore-key' THEN
    INSERT INTO ${schema}.work_key AS k VALUES(p->>'scope', p->>'fingerprint', p->>'id', (p->>'until')::bigint)
    ON CONFLICT (scope) DO UPDATE SET fingerprint = excluded.fingerprint, id = excluded.id, until = excluded.until WHERE k.until <= p_now;
    IF NOT FOUND THEN o_refused := true; o_said := '{}'; END IF;
    RETURN;
  WHEN 'drop' THEN
    DELETE FROM ${schema}.work WHERE id = p->>'id' AND status = 3;
    IF NOT FOUND THEN o_refused := true; o_said := '{}'; RETURN; END IF;
    o_dead := -1;
    RETURN;
  ELSE RETURN;
  END CASE;
  -- An item ended, or is put aside: the next one of its key may start.
  IF v_row.ordering IS NOT NULL THEN
    SELECT seq INTO v_head FROM ${schema}.work WHERE ordering = v_row.ordering AND status < 3 ORDER BY seq LIMIT 1;
    UPDATE ${schema}.work SET status = 0, changes = changes + 1 WHERE seq = v_head AND status = 1;
    IF FOUND THEN o_behind := o_behind - 1; o_waiting := o_waiting + 1; END IF;
  END IF;
END $body$;

-- A sign of life. False: this core was taken for dead, and what it held is not its own any more.
CREATE FUNCTION ${schema}.live_1(p_id uuid, p_lease bigint, OUT o_lives boolean, OUT o_gone uuid[], OUT o_living integer, OUT o_rank integer)
LANGUAGE plpgsql AS $body$
DECLARE
  v_now bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
BEGIN
  UPDATE ${schema}.core SET until = v_now + p_lease WHERE id = p_id;
  o_lives := FOUND;
  SELECT array_agg(id) FILTER (WHERE until <= v_now), count(*) FILTER (WHERE until > v_now),
    count(*) FILTER (WHERE until > v_now AND id < p_id)
  INTO o_gone, o_living, o_rank FROM ${schema}.core;
END $body$;

CREATE FUNCTION ${schema}.enter_1(p_id uuid, p_name text, p_lease bigint) RETURNS void
LANGUAGE sql AS $body$
  INSERT INTO ${schema}.core VALUES(p_id, p_name, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + p_lease);
$body$;

CREATE FUNCTION ${schema}.leave_1(p_ids uuid[], p_only_gone boolean) RETURNS bigint
LANGUAGE plpgsql AS $body$
DECLARE
  v_prev ${schema}.append%ROWTYPE;
  v_ids uuid[];
  v_count bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(${lock});
  WITH gone AS (
    DELETE FROM ${schema}.core WHERE id = ANY(p_ids)
      AND (NOT p_only_gone OR until <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint) RETURNING id
  ) SELECT array_agg(id) INTO v_ids FROM gone;
  UPDATE ${schema}.work SET status = 0, lost = greatest(lost, 1), due = least(due, accepted), holder = NULL, changes = changes + 1
  WHERE status = 2 AND holder = ANY(v_ids);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count > 0 THEN
    SELECT * INTO v_prev FROM ${schema}.append ORDER BY number DESC LIMIT 1;
    INSERT INTO ${schema}.append VALUES(v_prev.number + 1, gen_random_uuid(), v_prev.last, v_prev.last, v_prev.stored, v_prev.bytes,
      v_prev.waiting + v_count, v_prev.behind, v_prev.running - v_count, v_prev.dead, NULL);
    PERFORM pg_notify('${channels(schema).work}', '');
  END IF;
  RETURN v_count;
END $body$;
`;
