/* SPDX-License-Identifier: Apache-2.0 */
/* SQL Server's errors: number, severity, words; in English, and the most common in French. */
#include "tests/sqlserver/sql_engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct message {
	int number;
	uint8_t severity;
	const char *english, *french;
};

static const struct message messages[] = {
	{ 116, 16,
		"Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
		NULL },
	{ 1007, 15, "The number '%s' is out of the range for numeric representation (maximum precision 38).", NULL },
	{ 121, 15,
		"The select list for the INSERT statement contains more items than the insert list. The number of SELECT values must match the number of INSERT columns.",
		NULL },
	{ 109, 15,
		"There are more columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.",
		NULL },
	{ 110, 15,
		"There are fewer columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.",
		NULL },
	{ 111, 15, "'%s' must be the first statement in a query batch.", NULL },
	{ 134, 15,
		"The variable name '%s' has already been declared. Variable names must be unique within a query batch or stored procedure.",
		NULL },
	{ 137, 15, "Must declare the scalar variable \"%s\".", NULL },
	{ 1087, 15, "Must declare the table variable \"%s\".", NULL },
	{ 174, 15, "The %s function requires %d argument(s).", NULL },
	{ 195, 15, "'%s' is not a recognized built-in function name.", NULL },
	{ 201, 16, "Procedure or function '%s' expects parameter '%s', which was not supplied.", NULL },
	{ 205, 16,
		"All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
		NULL },
	{ 206, 16, "Operand type clash: %s is incompatible with %s", NULL },
	{ 207, 16, "Invalid column name '%s'.", "Nom de colonne non valide : '%s'." },
	{ 208, 16, "Invalid object name '%s'.", "Nom d'objet '%s' non valide." },
	{ 209, 16, "Ambiguous column name '%s'.", NULL },
	{ 213, 16, "Column name or number of supplied values does not match table definition.", NULL },
	{ 220, 16, "Arithmetic overflow error for data type %s, value = %s.", NULL },
	{ 226, 16, "%s statement not allowed within multi-statement transaction.",
		"L'instruction %s n'est pas autorisée dans une transaction à plusieurs instructions." },
	{ 229, 14, "The %s permission was denied on the object '%s', database '%s', schema '%s'.",
		"L'autorisation %s a été refusée sur l'objet « %s », base de données « %s », schéma « %s »." },
	{ 235, 16, "Cannot convert a char value to money. The char value has incorrect syntax.", NULL },
	{ 241, 16, "Conversion failed when converting date and/or time from character string.", NULL },
	{ 242, 16, "The conversion of a varchar data type to a datetime data type resulted in an out-of-range value.",
		NULL },
	{ 245, 16, "Conversion failed when converting the %s value '%s' to data type %s.", NULL },
	{ 248, 16, "The conversion of the %s value '%s' overflowed an int column.", NULL },
	{ 257, 16,
		"Implicit conversion from data type %s to %s is not allowed. Use the CONVERT function to run this query.",
		NULL },
	{ 262, 14, "%s permission denied in database '%s'.", NULL },
	{ 266, 16,
		"Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous count = %d, current count = %d.",
		NULL },
	{ 271, 16,
		"The column \"%s\" cannot be modified because it is either a computed column or is the result of a UNION operator.",
		NULL },
	{ 273, 16,
		"Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude the timestamp column, or insert a DEFAULT into the timestamp column.",
		NULL },
	{ 297, 16, "The user does not have permission to perform this action.", NULL },
	{ 300, 14, "%s permission was denied on object 'server', database 'master'.", NULL },
	{ 402, 16, "The data types %s and %s are incompatible in the %s operator.", NULL },
	{ 447, 16, "Expression type %s is invalid for COLLATE clause.", NULL },
	{ 448, 16, "Invalid collation '%s'.", NULL },
	{ 468, 16, "Cannot resolve the collation conflict between \"%s\" and \"%s\" in the equal to operation.", NULL },
	{ 511, 16, "Cannot create a row of size %s which is greater than the allowable maximum row size of 8060.", NULL },
	{ 512, 16,
		"Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.",
		NULL },
	{ 515, 16, "Cannot insert the value NULL into column '%s', table '%s'; column does not allow nulls. %s fails.",
		"Impossible d'insérer la valeur NULL dans la colonne '%s', table '%s'. Cette colonne n'accepte pas les valeurs NULL. Échec de %s." },
	{ 517, 16, "Adding a value to a '%s' column caused an overflow.", NULL },
	{ 529, 16, "Explicit conversion from data type %s to %s is not allowed.", NULL },
	{ 544, 16, "Cannot insert explicit value for identity column in table '%s' when IDENTITY_INSERT is set to OFF.",
		NULL },
	{ 545, 16,
		"Explicit value must be specified for identity column in table '%s' either when IDENTITY_INSERT is set to ON or when a replication user is inserting into a NOT FOR REPLICATION identity column.",
		NULL },
	{ 547, 16,
		"The %s statement conflicted with the %s constraint \"%s\". The conflict occurred in database \"%s\", table \"%s\"%s.",
		"L'instruction %s est en conflit avec la contrainte %s \"%s\". Le conflit s'est produit dans la base de données \"%s\", table \"%s\"%s." },
	{ 601, 12, "Could not continue scan with NOLOCK due to data movement.", NULL },
	{ 605, 21, "Attempt to fetch logical page (1:%d) in database %d failed. It belongs to allocation unit 0 not to %d.",
		NULL },
	{ 701, 17, "There is insufficient system memory in resource pool 'default' to run this query.", NULL },
	{ 823, 24,
		"The operating system returned error 23(Data error (cyclic redundancy check).) to SQL Server during a read.",
		NULL },
	{ 824, 24, "SQL Server detected a logical consistency-based I/O error: incorrect checksum.", NULL },
	{ 911, 16, "Database '%s' does not exist. Make sure that the name is entered correctly.",
		"La base de données '%s' n'existe pas. Assurez-vous que le nom a été entré correctement." },
	{ 916, 14,
		"The server principal \"%s\" is not able to access the database \"%s\" under the current security context.",
		NULL },
	{ 926, 14, "Database '%s' cannot be opened. It has been marked SUSPECT by recovery.", NULL },
	{ 942, 14, "Database '%s' cannot be opened because it is offline.", NULL },
	{ 924, 14, "Database '%s' is already open and can only have one user at a time.", NULL },
	{ 1088, 16, "Cannot find the object \"%s\" because it does not exist or you do not have permissions.", NULL },
	{ 1105, 17, "Could not allocate space for object '%s' in database '%s' because the 'PRIMARY' filegroup is full.",
		NULL },
	{ 1205, 13,
		"Transaction (Process ID %d) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
		"La transaction (ID de processus %d) a été bloquée sur les ressources verrou par un autre processus et a été choisie comme victime. Réexécutez la transaction." },
	{ 1222, 16, "Lock request time out period exceeded.", "Délai d'attente de verrou dépassé." },
	{ 1505, 16,
		"The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name '%s' and the index name '%s'.",
		NULL },
	{ 1749, 16, "Incorrect syntax for definition of the constraint.", NULL },
	{ 1750, 16, "Could not create constraint or index. See previous errors.", NULL },
	{ 1767, 16, "Foreign key '%s' references invalid table '%s'.", NULL },
	{ 1769, 16, "Foreign key '%s' references invalid column '%s' in referencing table '%s'.", NULL },
	{ 1770, 16, "Foreign key '%s' references invalid column '%s' in referenced table '%s'.", NULL },
	{ 1776, 16,
		"There are no primary or candidate keys in the referenced table '%s' that match the referencing column list in the foreign key '%s'.",
		NULL },
	{ 1778, 16, "Column '%s' is not the same data type as referencing column '%s' in foreign key '%s'.", NULL },
	{ 1779, 16, "Table '%s' already has a primary key defined on it.", NULL },
	{ 1801, 16, "Database '%s' already exists. Choose a different database name.", NULL },
	{ 1827, 16,
		"CREATE DATABASE or ALTER DATABASE failed because the resulting cumulative database size would exceed your licensed limit of %d MB per database.",
		NULL },
	{ 1902, 16,
		"Cannot create more than one clustered index on table '%s'. Drop the existing clustered index '%s' before creating another.",
		NULL },
	{ 1911, 16, "Column name '%s' does not exist in the target table or view.", NULL },
	{ 1913, 16, "The operation failed because an index or statistics with name '%s' already exists on table '%s'.",
		NULL },
	{ 2601, 14, "Cannot insert duplicate key row in object '%s' with unique index '%s'. The duplicate key value is %s.",
		NULL },
	{ 2627, 14,
		"Violation of %s constraint '%s'. Cannot insert duplicate key in object '%s'. The duplicate key value is %s.",
		"Violation de la contrainte %s « %s ». Impossible d'insérer une clé en double dans l'objet « %s ». Valeur de clé dupliquée : %s." },
	{ 2628, 16, "String or binary data would be truncated in table '%s', column '%s'. Truncated value: '%s'.", NULL },
	{ 2705, 16,
		"Column names in each table must be unique. Column name '%s' in table '%s' is specified more than once.",
		NULL },
	{ 2714, 16, "There is already an object named '%s' in the database.", NULL },
	{ 2715, 16, "Column, parameter, or variable #%d: Cannot find data type %s.", NULL },
	{ 2744, 16, "Multiple identity columns specified for table '%s'. Only one identity column per table is allowed.",
		NULL },
	{ 2749, 16,
		"Identity column '%s' must be of data type int, bigint, smallint, tinyint, or decimal or numeric with a scale of 0, unencrypted, and constrained to be nonnullable.",
		NULL },
	{ 2760, 16, "The specified schema name \"%s\" either does not exist or you do not have permission to use it.",
		NULL },
	{ 2812, 16, "Could not find stored procedure '%s'.", NULL },
	{ 3701, 11, "Cannot drop the %s '%s', because it does not exist or you do not have permission.", NULL },
	{ 3702, 16, "Cannot drop database \"%s\" because it is currently in use.", NULL },
	{ 3726, 16, "Could not drop object '%s' because it is referenced by a FOREIGN KEY constraint.", NULL },
	{ 3728, 16, "'%s' is not a constraint.", NULL },
	{ 3729, 16, "Cannot DROP %s '%s' because it is being referenced by object '%s'.", NULL },
	{ 3902, 16, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.", NULL },
	{ 3903, 16, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.", NULL },
	{ 3906, 16, "Failed to update database \"%s\" because the database is read-only.", NULL },
	{ 3930, 16,
		"The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.",
		NULL },
	{ 3931, 16,
		"The current transaction cannot be committed and cannot be rolled back to a savepoint. Roll back the entire transaction.",
		NULL },
	{ 3951, 16,
		"Transaction failed in database '%s' because the statement was run under snapshot isolation but the transaction did not start in snapshot isolation. You cannot change the isolation level of the transaction to snapshot after the transaction has started unless the transaction was originally started under snapshot isolation level.",
		NULL },
	{ 3952, 16,
		"Snapshot isolation transaction failed accessing database '%s' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation.",
		"Échec de la transaction d'isolement d'instantané lors de l'accès à la base de données '%s' car l'isolement d'instantané n'est pas autorisé dans cette base de données. Utilisez ALTER DATABASE pour autoriser l'isolement d'instantané." },
	{ 3960, 16,
		"Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to access table '%s' directly or indirectly in database '%s' to update, delete, or insert the row that has been modified or deleted by another transaction. Retry the transaction or change the isolation level for the update/delete statement.",
		NULL },
	{ 3961, 16,
		"Snapshot isolation transaction failed in database '%s' because the object accessed by the statement has been modified by a DDL statement in another concurrent transaction since the start of this transaction. It is disallowed because the metadata is not versioned. A concurrent update to metadata can lead to inconsistency if mixed with snapshot isolation.",
		NULL },
	{ 3964, 16,
		"Transaction failed because this DDL statement is not allowed inside a snapshot isolation transaction. Since metadata is not versioned, a metadata change can lead to inconsistency if mixed within snapshot isolation.",
		NULL },
	{ 3992, 16,
		"Transaction count has been changed from %d to %d inside of user defined routine, trigger or aggregate.",
		NULL },
	{ 3998, 16, "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.",
		NULL },
	{ 4060, 11, "Cannot open database \"%s\" requested by the login. The login failed.", NULL },
	{ 4104, 16, "The multi-part identifier \"%s\" could not be bound.", NULL },
	{ 4121, 16,
		"Cannot find either column \"%s\" or the user-defined function or aggregate \"%s\", or the name is ambiguous.",
		NULL },
	{ 4701, 16, "Cannot find the object \"%s\" because it does not exist or you do not have permissions.", NULL },
	{ 4712, 16, "Cannot truncate table '%s' because it is being referenced by a FOREIGN KEY constraint.", NULL },
	{ 4815, 16, "Received an invalid column length from the bcp client for colid %d.", NULL },
	{ 4816, 16, "Invalid column type from bcp client for colid %d.", NULL },
	{ 4819, 16,
		"Cannot bulk load. The bulk data stream was incorrectly specified as sorted or the data violates the uniqueness constraint imposed by the target table. Sort order incorrect for the following two rows: primary key of first row: (%s), primary key of second row: (%s).",
		NULL },
	{ 4834, 16, "You do not have permission to use the bulk load statement.", NULL },
	{ 4902, 16, "Cannot find the object \"%s\" because it does not exist or you do not have permissions.", NULL },
	{ 4917, 16, "Constraint '%s' does not exist.", NULL },
	{ 4920, 16, "ALTER TABLE failed because trigger '%s' on table '%s' does not exist.", NULL },
	{ 4922, 16, "ALTER TABLE %s failed because one or more objects access this column.", NULL },
	{ 4924, 16, "ALTER TABLE %s failed because column '%s' does not exist in table '%s'.", NULL },
	{ 4901, 16,
		"ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition specified, or the column being added is an identity or timestamp column, or alternatively if none of the previous conditions are satisfied the table must be empty to allow addition of this column. Column '%s' cannot be added to non-empty table '%s' because it does not satisfy these conditions.",
		NULL },
	{ 5011, 14,
		"User does not have permission to alter database '%s', the database does not exist, or the database is not in a state that allows access checks.",
		NULL },
	{ 6401, 16, "Cannot roll back %s. No transaction or savepoint of that name was found.", NULL },
	{ 7901, 16,
		"The repair statement was not processed. This level of repair is not supported when the database is in emergency mode.",
		NULL },
	{ 8114, 16, "Error converting data type %s to %s.", NULL },
	{ 8115, 16, "Arithmetic overflow error converting %s to data type %s.", NULL },
	{ 8101, 16,
		"An explicit value for the identity column in table '%s' can only be specified when a column list is used and IDENTITY_INSERT is ON.",
		NULL },
	{ 8102, 16, "Cannot update identity column '%s'.", NULL },
	{ 8107, 16, "IDENTITY_INSERT is already ON for table '%s'. Cannot perform SET operation for table '%s'.", NULL },
	{ 8106, 16, "Table '%s' does not have the identity property. Cannot perform SET operation.", NULL },
	{ 8111, 16, "Cannot define PRIMARY KEY constraint on nullable column in table '%s'.", NULL },
	{ 8120, 16,
		"Column '%s' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.",
		NULL },
	{ 8134, 16, "Divide by zero error encountered.", NULL },
	{ 8144, 16, "Procedure or function %s has too many arguments specified.", NULL },
	{ 8145, 16, "%s is not a parameter for procedure %s.", NULL },
	{ 8146, 16, "Procedure %s has no parameters and arguments were supplied.", NULL },
	{ 8152, 16, "String or binary data would be truncated.", "Les données de chaîne ou binaires seront tronquées." },
	{ 8155, 16, "No column name was specified for column %d of '%s'.", NULL },
	{ 8156, 16, "The column '%s' was specified multiple times for '%s'.", NULL },
	{ 8158, 16, "'%s' has more columns than were specified in the column list.", NULL },
	{ 8159, 16, "'%s' has fewer columns than were specified in the column list.", NULL },
	{ 8169, 16, "Conversion failed when converting from a character string to uniqueidentifier.", NULL },
	{ 8170, 16, "Insufficient result space to convert uniqueidentifier value to char.", NULL },
	{ 9002, 17, "The transaction log for database '%s' is full due to 'ACTIVE_TRANSACTION'.",
		"Le journal des transactions de la base de données '%s' est plein en raison de 'ACTIVE_TRANSACTION'." },
	{ 10738, 16,
		"The number of row value expressions in the INSERT statement exceeds the maximum allowed number of 1000 row values.",
		NULL },
	{ 15009, 16, "The object '%s' does not exist in database '%s' or is invalid for this operation.", NULL },
	{ 15025, 16, "The server principal '%s' already exists.", NULL },
	{ 15023, 16, "User, group, or role '%s' already exists in the current database.", NULL },
	{ 15151, 16, "Cannot find the %s '%s', because it does not exist or you do not have permission.", NULL },
	{ 15225, 11,
		"No item by the name of '%s' could be found in the current database '%s', given that @itemtype was input as '(null)'.",
		NULL },
	{ 15247, 16, "User does not have permission to perform this action.", NULL },
	{ 15335, 11,
		"Error: The new name '%s' is already in use as a %s name and would cause a duplicate that is not permitted.",
		NULL },
	{ 1206, 18, "The Microsoft Distributed Transaction Coordinator has cancelled the distributed transaction.", NULL },
	{ 1223, 16,
		"Cannot release the application lock (Database Principal: 'public', Resource: '%s') because it is not currently held.",
		NULL },
	{ 11728, 16,
		"The sequence object '%s' has reached its minimum or maximum value. Restart the sequence object to allow new values to be generated.",
		NULL },
	{ 18456, 14, "Login failed for user '%s'.", NULL },
	{ 41332, 16,
		"Memory optimized tables and natively compiled modules cannot be accessed or created when the session TRANSACTION ISOLATION LEVEL is set to SNAPSHOT.",
		NULL },
	{ 6522, 16,
		"A .NET Framework error occurred during execution of user-defined routine or aggregate: the stand-in has no CLR to convert %s to %s.",
		NULL }
};

static const struct message *find(int number)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		if (messages[i].number == number)
			return &messages[i];
	return NULL;
}

static void set(struct session *session, int32_t number, uint8_t severity, uint8_t state)
{
	session->failed = true;
	session->error.number = number;
	session->error.severity = severity;
	session->error.state = state;
	session->error.line = session->statement_line;
	snprintf(session->error.procedure, sizeof(session->error.procedure), "%s",
		session->frame && session->frame->module ? session->frame->module : "");
}

int session_raise(struct session *session, int32_t number, ...)
{
	const struct message *message = find(number);
	va_list arguments;

	if (session->failed) /* the first error is the one to tell */
		return -EIO;
	set(session, number, message ? message->severity : 16, 1);
	const char *words = !message ? "The stand-in has no words for this error."
		: !strcasecmp(session->engine->language, "french") && message->french ? message->french
																			  : message->english;

	va_start(arguments, number);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(session->error.text, sizeof(session->error.text), words, arguments);
#pragma GCC diagnostic pop
	va_end(arguments);
	return -EIO;
}

int session_raise_text(
	struct session *session, int32_t number, uint8_t severity, uint8_t state, const char *format, ...)
{
	va_list arguments;

	if (session->failed)
		return -EIO;
	set(session, number, severity, state);
	va_start(arguments, format);
	vsnprintf(session->error.text, sizeof(session->error.text), format, arguments);
	va_end(arguments);
	return -EIO;
}

void session_inform(struct session *session, int32_t number, uint8_t severity, uint8_t state, const char *text)
{
	const char *module = session->frame && session->frame->module ? session->frame->module : "";

	if (session->sink &&
		session->sink->message(session->sink, number, state, severity, text, module, session->statement_line))
		session->sink_failed = true;
}
