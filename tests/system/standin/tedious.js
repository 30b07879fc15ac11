// SPDX-License-Identifier: Apache-2.0
// Run by check-tedious: a client that is not ours, against the stand-in SQL Server.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const { Connection, Request, TYPES, ISOLATION_LEVEL } = require('tedious');

const standin = JSON.parse(process.env.STANDIN);

function open({ strict = false, database, authentication, password = standin.password } = {}) {
  const connection = new Connection({
    server: 'localhost',
    authentication: authentication || { type: 'default', options: { userName: standin.user, password } },
    options: {
      port: standin.port, database, encrypt: strict ? 'strict' : true, trustServerCertificate: false,
      serverName: 'localhost', connectTimeout: 15000, requestTimeout: 60000, useUTC: true,
      cryptoCredentialsDetails: { ca: fs.readFileSync(standin.ca) },
    },
  });
  connection.on('error', () => {});
  return new Promise((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve(connection))));
}

// One command to the stand-in's control socket; its lines.
function tell(command) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(standin.control, () => socket.end(command + '\n'));
    socket.on('data', (data) => { text += data; });
    socket.on('error', reject);
    socket.on('close', () => {
      const lines = text.trimEnd().split('\n');
      if (lines.pop() !== 'ok') reject(new Error(text));
      else resolve(lines);
    });
  });
}

// Runs a request by `how` (execSql is sp_executesql, execSqlBatch a batch); rows as arrays, and what was returned.
function run(connection, sql, { how = 'execSqlBatch', parameters = [], outputs = [] } = {}) {
  return new Promise((resolve, reject) => {
    const result = { rows: [], outputs: {}, columns: [] };
    const request = new Request(sql, (error, count) => (error ? reject(error) : resolve({ ...result, count })));
    for (const [name, type, value, options] of parameters) request.addParameter(name, type, value, options);
    for (const [name, type, options] of outputs) request.addOutputParameter(name, type, null, options);
    request.on('columnMetadata', (columns) => { result.columns = columns; });
    request.on('row', (columns) => result.rows.push(columns.map((column) => column.value)));
    request.on('returnValue', (name, value) => { result.outputs[name] = value; });
    connection[how](request);
  });
}

const promise = (call) => new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));

const tests = {
  async login_over_tls_and_over_tds_8_strict() {
    for (const strict of [false, true]) {
      const connection = await open({ strict });
      assert.deepEqual((await run(connection, 'SELECT 1 AS one')).rows, [[1]]);
      connection.close();
    }
    const logins = (await tell('statements')).filter((line) => / login /.test(line));
    assert.match(logins.at(-2), /strict=0.*encrypted=all TLSv1\.2/);
    assert.match(logins.at(-1), /strict=1.*encrypted=all TLSv1\.2/);
  },

  async login_by_ntlm_and_not_with_a_wrong_password() {
    const clerk = (password) => ({ type: 'ntlm', options: { domain: 'BRANCH', userName: 'clerk', password } });
    const connection = await open({ authentication: clerk('Clerk-Pass-1') });
    assert.equal((await run(connection, 'SELECT SUSER_SNAME()')).rows[0][0].toUpperCase(), 'BRANCH\\CLERK');
    connection.close();
    await assert.rejects(open({ authentication: clerk('guess') }), /Login failed/);
    await assert.rejects(open({ password: 'guess' }), /Login failed/);
    await assert.rejects(open({ database: 'nowhere' }), /Login failed|Cannot open database/);
  },

  async query_of_every_type() {
    const connection = await open();
    await run(connection, 'CREATE DATABASE honest');
    const types = [
      ['bit', '1', true], ['tinyint', '255', 255], ['smallint', '-32768', -32768], ['int', '-2147483648', -2147483648],
      ['bigint', '9223372036854775807', '9223372036854775807'], ['decimal(20,4)', '12345.6789', 12345.6789],
      ['money', '-1.2345', -1.2345], ['smallmoney', '1.5', 1.5], ['real', '0.5', 0.5], ['float', '-0.25', -0.25],
      ['char(4)', "'ab'", 'ab  '], ['varchar(10)', "'caf\u00e9'", 'caf\u00e9'], ['varchar(max)', "'plain'", 'plain'],
      ['text', "'old'", 'old'], ['nchar(3)', "N'\u00e9'", '\u00e9  '], ['nvarchar(9)', "N'\u20ac\u{1f600}'", '\u20ac\u{1f600}'],
      ['nvarchar(max)', "N'story'", 'story'], ['ntext', "N'old'", 'old'], ['xml', "N'<a/>'", '<a/>'],
      ['binary(3)', '0x0102', Buffer.from([1, 2, 0])], ['varbinary(8)', '0xff00', Buffer.from([255, 0])],
      ['varbinary(max)', '0x0a', Buffer.from([10])], ['image', '0x0b', Buffer.from([11])],
      ['uniqueidentifier', "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", '6F9619FF-8B86-D011-B42D-00C04FC964FF'],
      ['date', "'2015-06-30'", new Date('2015-06-30T00:00:00Z')],
      ['time(3)', "'23:59:59.123'", new Date('1970-01-01T23:59:59.123Z')],
      ['datetime', "'2015-06-30T12:00:00.003'", new Date('2015-06-30T12:00:00.003Z')],
      ['smalldatetime', "'2015-06-30T12:01:00'", new Date('2015-06-30T12:01:00Z')],
      ['datetime2(7)', "'0001-01-01T00:00:00.0010000'", new Date('0001-01-01T00:00:00.001Z')],
      ['datetimeoffset(3)', "'2015-06-30T12:00:00.5+05:30'", new Date('2015-06-30T06:30:00.5Z')],
      ['sql_variant', "CAST(7 AS int)", 7],
    ];
    const columns = types.map(([type], i) => `c${i} ${type} NULL`).join(', ');
    await run(connection, `USE honest CREATE TABLE dbo.types (id int NOT NULL PRIMARY KEY, ${columns})`);
    await run(connection, `INSERT dbo.types VALUES (1, ${types.map(([, literal]) => literal).join(', ')})`);
    await run(connection, 'INSERT dbo.types (id) VALUES (2)');
    const { rows, columns: metadata } = await run(connection, 'SELECT * FROM dbo.types ORDER BY id');
    types.forEach(([type, , wanted], i) => {
      assert.deepEqual(rows[0][i + 1], wanted, type);
      assert.equal(rows[1][i + 1], null, type);
      assert.equal(metadata[i + 1].colName, `c${i}`);
    });
    connection.close();
  },

  async parameters_of_an_rpc_come_back() {
    const connection = await open({ database: 'honest' });
    const when = new Date('2020-02-29T01:02:03.004Z');
    const long = 'x\u20ac'.repeat(20000);
    const { rows } = await run(connection, 'SELECT @i, @b, @n, @l, @v, @d, @f, @g, @e, @z', {
      how: 'execSql',
      parameters: [['i', TYPES.Int, 42], ['b', TYPES.BigInt, '-5'], ['n', TYPES.NVarChar, 'caf\u00e9'], ['l', TYPES.NVarChar, long],
        ['v', TYPES.VarBinary, Buffer.alloc(9000, 7)], ['d', TYPES.DateTime2, when], ['f', TYPES.Float, 0.125],
        ['g', TYPES.UniqueIdentifier, '6F9619FF-8B86-D011-B42D-00C04FC964FF'], ['e', TYPES.NVarChar, ''], ['z', TYPES.Int, null]],
    });
    assert.deepEqual(rows, [[42, '-5', 'caf\u00e9', long, Buffer.alloc(9000, 7), when, 0.125,
      '6F9619FF-8B86-D011-B42D-00C04FC964FF', '', null]]);
    connection.close();
  },

  async an_output_parameter_is_returned() {
    const connection = await open({ database: 'honest' });
    const { outputs } = await run(connection, 'SET @twice = 2 * @once', {
      how: 'execSql', parameters: [['once', TYPES.Int, 21]], outputs: [['twice', TYPES.Int]],
    });
    assert.equal(outputs.twice, 42);
    connection.close();
  },

  async a_prepared_statement_runs_twice() {
    const connection = await open({ database: 'honest' });
    const values = [];
    let finished;
    const request = new Request('SELECT @n + 1', (error) => finished(error));
    request.addParameter('n', TYPES.Int);
    request.on('row', (columns) => values.push(columns[0].value));
    const step = (call) => promise((callback) => { finished = callback; call(); });
    await new Promise((resolve, reject) => {
      request.once('prepared', resolve);
      finished = (error) => error && reject(error);
      connection.prepare(request);
    });
    for (const n of [1, 10]) await step(() => connection.execute(request, { n }));
    await step(() => connection.unprepare(request));
    assert.deepEqual(values, [2, 11]);
    connection.close();
  },

  async bulk_load() {
    const connection = await open({ database: 'honest' });
    await run(connection, 'CREATE TABLE dbo.bulk (id int NOT NULL PRIMARY KEY, name nvarchar(50) NULL, body varbinary(max) NULL, '
      + 'story nvarchar(max) NULL, moment datetime2(7) NULL, price decimal(20,4) NULL)');
    const rows = [];
    for (let id = 0; id < 3000; id++) {
      rows.push([id, id % 7 ? `name ${id}` : null, Buffer.alloc(id % 50, id), id % 5 ? 's'.repeat(id) : '',
        new Date(Date.UTC(2015, 0, 1, 0, 0, id)), id / 4]);
    }
    await promise((done) => {
      const load = connection.newBulkLoad('dbo.bulk', { keepNulls: true }, done);
      load.addColumn('id', TYPES.Int, { nullable: false });
      load.addColumn('name', TYPES.NVarChar, { length: 50, nullable: true });
      load.addColumn('body', TYPES.VarBinary, { length: Infinity, nullable: true });
      load.addColumn('story', TYPES.NVarChar, { length: Infinity, nullable: true });
      load.addColumn('moment', TYPES.DateTime2, { scale: 7, nullable: true });
      load.addColumn('price', TYPES.Decimal, { precision: 20, scale: 4, nullable: true });
      connection.execBulkLoad(load, rows);
    });
    const back = await run(connection, 'SELECT * FROM dbo.bulk ORDER BY id');
    assert.equal(back.rows.length, rows.length);
    back.rows.forEach((row, id) => assert.deepEqual(row, rows[id]));
    connection.close();
  },

  async transactions_commit_and_roll_back() {
    const connection = await open({ database: 'honest' });
    await run(connection, 'CREATE TABLE dbo.t (id int)');
    await promise((done) => connection.beginTransaction(done, 'first', ISOLATION_LEVEL.READ_COMMITTED));
    await run(connection, 'INSERT dbo.t VALUES (1)', { how: 'execSql' });
    await promise((done) => connection.rollbackTransaction(done));
    await promise((done) => connection.beginTransaction(done));
    await run(connection, 'INSERT dbo.t VALUES (2)');
    await promise((done) => connection.saveTransaction(done, 'point'));
    await run(connection, 'INSERT dbo.t VALUES (3)');
    await promise((done) => connection.rollbackTransaction(done, 'point'));
    await promise((done) => connection.commitTransaction(done));
    assert.deepEqual((await run(connection, 'SELECT id FROM dbo.t')).rows, [[2]]);
    connection.close();
  },

  async a_silent_statement_is_cancelled_and_the_session_goes_on() {
    const connection = await open();
    const cancelled = new Promise((resolve) => {
      const request = new Request("WAITFOR DELAY '00:00:50'", resolve);
      connection.execSqlBatch(request);
      setTimeout(() => connection.cancel(), 200);
    });
    assert.equal((await cancelled).code, 'ECANCEL');
    assert.deepEqual((await run(connection, 'SELECT 5')).rows, [[5]]);
    connection.close();
  },

  async rows_are_cancelled_in_mid_stream() {
    const connection = await open({ database: 'honest' });
    let rows = 0;
    const cancelled = new Promise((resolve) => {
      const request = new Request('SELECT a.id, a.story FROM dbo.bulk a, dbo.bulk b', resolve);
      request.on('row', () => { if (++rows === 100) connection.cancel(); });
      connection.execSqlBatch(request);
    });
    assert.equal((await cancelled).code, 'ECANCEL');
    assert.ok(rows < 9000000);
    assert.deepEqual((await run(connection, 'SELECT 6')).rows, [[6]]);
    connection.close();
  },

  async errors_and_messages_arrive_with_their_numbers() {
    const connection = await open({ database: 'honest' });
    await assert.rejects(run(connection, 'SELECT * FROM dbo.nowhere'), (error) => error.number === 208);
    await assert.rejects(run(connection, 'INSERT dbo.bulk (id) VALUES (1)'), (error) => error.number === 2627);
    const infos = [];
    connection.on('infoMessage', (info) => infos.push(info.message));
    await run(connection, "PRINT 'told'");
    assert.ok(infos.includes('told'));
    connection.close();
  },

  async a_reset_returns_to_the_first_database() {
    const connection = await open({ database: 'honest' });
    await run(connection, 'USE master');
    await promise((done) => connection.reset(done));
    assert.equal((await run(connection, 'SELECT DB_NAME()')).rows[0][0], 'honest');
    connection.close();
  },

  async a_long_statement_takes_many_packets() {
    const connection = await open();
    const text = 'y'.repeat(100000);
    assert.equal((await run(connection, `SELECT LEN(N'${text}')`)).rows[0][0], text.length);
    connection.close();
  },
};

(async () => {
  let passed = 0;
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      assert.deepEqual(await tell('violations'), []);
      passed++;
      console.log(`ok      ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}\n${error.stack}`);
      await tell('forget').catch(() => {});
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})();
