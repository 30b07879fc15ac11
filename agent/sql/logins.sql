-- Coffret's two logins on a SQL Server, 2012 to 2022, with the least rights that do the work.
-- Run it as an administrator (sysadmin) in SQL Server Management Studio or sqlcmd, once for the server and once more in
-- each database: change the two passwords, and the database names at USE.
-- SQL logins need mixed mode. With a domain account, write CREATE LOGIN [DOMAIN\account] FROM WINDOWS instead.

USE master;
CREATE LOGIN coffret_backup WITH PASSWORD = N'change-this-1', CHECK_POLICY = ON;
CREATE LOGIN coffret_restore WITH PASSWORD = N'change-this-2', CHECK_POLICY = ON;
-- Lets coffret check name the sessions that a restore would disturb. Optional.
GRANT VIEW SERVER STATE TO coffret_backup;
GRANT VIEW SERVER STATE TO coffret_restore;
-- Take the restore login away until it is needed: ALTER LOGIN coffret_restore DISABLE;

USE mgc;
-- One consistent picture while people write: the DBA's decision, once.
ALTER DATABASE mgc SET ALLOW_SNAPSHOT_ISOLATION ON;
CREATE USER coffret_backup FOR LOGIN coffret_backup;
ALTER ROLE db_datareader ADD MEMBER coffret_backup;
GRANT VIEW DEFINITION TO coffret_backup;
CREATE USER coffret_restore FOR LOGIN coffret_restore;
ALTER ROLE db_datareader ADD MEMBER coffret_restore;
ALTER ROLE db_datawriter ADD MEMBER coffret_restore;
ALTER ROLE db_ddladmin ADD MEMBER coffret_restore;
GRANT VIEW DEFINITION TO coffret_restore;
-- SQL Server 2016 and later, where columns are masked: GRANT UNMASK TO coffret_backup; GRANT UNMASK TO coffret_restore;
-- SQL Server 2008 R2: EXEC sp_addrolemember 'db_datareader', 'coffret_backup'; and so on.

USE mgccomp;
ALTER DATABASE mgccomp SET ALLOW_SNAPSHOT_ISOLATION ON;
CREATE USER coffret_backup FOR LOGIN coffret_backup;
ALTER ROLE db_datareader ADD MEMBER coffret_backup;
GRANT VIEW DEFINITION TO coffret_backup;
CREATE USER coffret_restore FOR LOGIN coffret_restore;
ALTER ROLE db_datareader ADD MEMBER coffret_restore;
ALTER ROLE db_datawriter ADD MEMBER coffret_restore;
ALTER ROLE db_ddladmin ADD MEMBER coffret_restore;
GRANT VIEW DEFINITION TO coffret_restore;
